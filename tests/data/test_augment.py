"""Distorted digits: as many, of the same shape, the same for the same seed, and moved just as far as was said."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.data import Augment, bundled_digits
from inkling.data.augment import AT_ONCE, DRAWN, rows_of
from inkling.errors import DataError

EVERYTHING = Augment(
    shift=2,
    rotate=15,
    scale=0.15,
    shear=0.2,
    elastic=1.2,
    thickness=0.5,
    erase=0.1,
    blur=1.2,
    noise=0.1,
    elastic_sigma=5,
)
KINDS = [each.name for each in fields(Augment) if each.name != "elastic_sigma"]


def most(name: str) -> float:
    return next(each.metadata["most"] for each in fields(Augment) if each.name == name)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return bundled_digits().train.images[:200]


def exactly(augment: Augment, images: np.ndarray, **numbers: float) -> np.ndarray:
    """The images distorted by these numbers, from −1 to 1 each, and by none of the others."""
    draws = {name: np.full(len(images), numbers.get(name, 0), np.float32) for name in (*DRAWN, "blur")}
    drawn = augment.draw(images, rng())
    draws["elastic"] = np.zeros_like(drawn["elastic"])
    return augment.distort(images, {**drawn, **draws})


def rows_of_ink(width: int = 40, height: int = 20) -> np.ndarray:
    """A soft-edged horizontal stroke, as one image."""
    image = np.zeros((1, height, width), np.uint8)
    image[0, 8:12] = 255
    return image


# What every distortion keeps.


@given(
    amounts=st.fixed_dictionaries({name: st.floats(0, most(name)) for name in KINDS}),
    sigma=st.floats(1, 28),
    shape=st.tuples(st.integers(0, 5), st.integers(1, 33), st.integers(1, 33)),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_amounts_keep_shape_and_type_and_leave_the_images_alone(amounts, sigma, shape, seed):
    images = rng(seed).integers(0, 256, shape, dtype=np.uint8)
    before = images.copy()
    distorted = Augment(**amounts, elastic_sigma=sigma)(images, rng(seed))
    assert distorted.shape == shape
    assert distorted.dtype == np.uint8
    assert not np.shares_memory(distorted, images)
    np.testing.assert_array_equal(images, before)


@given(
    amounts=st.fixed_dictionaries({name: st.floats(0, most(name)) for name in KINDS if name != "noise"}),
    ink=st.integers(0, 255),
    seed=st.integers(0, 999),
)
def test_without_noise_no_ink_gets_darker_than_the_darkest(amounts, ink, seed):
    images = (rng(seed).integers(0, 2, (3, 28, 28)) * ink).astype(np.uint8)
    assert Augment(**amounts)(images, rng(seed)).max(initial=0) <= ink


@pytest.mark.parametrize("kind", ["shift", "rotate", "shear", "elastic", "thickness", "blur"])
def test_paper_stays_paper_and_what_is_far_outside_is_paper_too(kind):
    augment = Augment(**{kind: most(kind)})
    assert not augment(np.zeros((4, 28, 28), np.uint8), rng()).any()
    far = exactly(Augment(shift=28, thickness=1), np.full((2, 28, 28), 255, np.uint8), shift_x=1, thickness=1)
    assert not far[:, :, :-1].any()
    assert far[:, 1:-1, -1].all()


def test_all_zero_changes_nothing(digits):
    same = Augment()(digits, rng())
    np.testing.assert_array_equal(same, digits)
    assert not np.shares_memory(same, digits)
    assert Augment().kinds == ()


def test_drawing_zeros_changes_nothing(digits):
    """Even where every kind is on: the resampling itself is exact."""
    augment = Augment(**{**asdict(EVERYTHING), "erase": 0, "blur": 0, "noise": 0})
    np.testing.assert_array_equal(exactly(augment, digits), digits)


def test_the_same_seed_gives_the_same_images_and_another_gives_others(digits):
    once, again, other = (EVERYTHING(digits, rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any(axis=(1, 2)).all()


def test_each_image_is_distorted_in_a_way_of_its_own(digits):
    distorted = EVERYTHING(np.repeat(digits[:1], 50, axis=0), rng())
    assert len({image.tobytes() for image in distorted}) == 50


def test_an_image_fares_the_same_whatever_follows_it(digits):
    alone, among_others = EVERYTHING(digits[:1], rng(7)), EVERYTHING(digits, rng(7))
    np.testing.assert_array_equal(alone[0], among_others[0])


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", [*KINDS, "everything"])
def test_a_batch_shared_out_among_workers_is_distorted_to_the_same_bits(digits, kind, workers):
    """Whatever the size of a share, and wherever in it an image stands."""
    augment = EVERYTHING if kind == "everything" else Augment(**{kind: getattr(EVERYTHING, kind)})
    draws = augment.draw(digits, rng(5))
    whole = augment.distort(digits, draws)
    edges = [len(digits) * k // workers for k in range(workers + 1)]
    shares = [slice(*ends) for ends in pairwise(edges)]
    parts = [augment.distort(digits[rows], rows_of(draws, rows)) for rows in shares]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(augment(digits, rng(5)), whole)


def test_workers_in_threads_of_their_own_do_not_disturb_each_other(digits):
    draws = EVERYTHING.draw(digits, rng(5))
    shares = [slice(start, start + 25) for start in range(0, len(digits), 25)]
    with ThreadPoolExecutor(4) as workers:
        parts = list(workers.map(lambda rows: EVERYTHING.distort(digits[rows], rows_of(draws, rows)), shares))
    np.testing.assert_array_equal(np.concatenate(parts), EVERYTHING.distort(digits, draws))


@given(
    amounts=st.fixed_dictionaries({name: st.floats(0, most(name)) for name in KINDS}),
    sigma=st.floats(1, 28),
    shape=st.tuples(st.integers(1, 33), st.integers(1, 33)),
    seed=st.integers(0, 2**32 - 1),
)
def test_one_image_alone_is_distorted_as_among_others_for_any_amounts_and_size(amounts, sigma, shape, seed):
    images = rng(seed).integers(0, 256, (6, *shape), dtype=np.uint8)
    augment = Augment(**amounts, elastic_sigma=sigma)
    draws = augment.draw(images, rng(seed))
    whole = augment.distort(images, draws)
    backwards = augment.distort(images[::-1], rows_of(draws, slice(None, None, -1)))
    np.testing.assert_array_equal(backwards[::-1], whole)
    np.testing.assert_array_equal(augment.distort(images[4:5], rows_of(draws, [4])), whole[4:5])


def test_what_moves_ink_is_a_sum_without_rounding():
    """So no order of adding up, no number of threads and no machine makes it another one."""
    from inkling.data.warp import STEPS, basis, rows_of_basis, short

    extreme = Augment(shift=28, scale=1, shear=1, elastic=10)
    for augment, shape, near in ((EVERYTHING, (28, 28), 0.01), (extreme, (40, 61), 0.1)):
        images = np.zeros((300, *shape), np.uint8)
        coefficients = augment.coefficients(augment.draw(images, rng())) * np.float32(STEPS)
        largest, finest = rows_of_basis(*shape, augment.sigma)
        few = short(coefficients, largest, finest)
        rows = basis(*shape, augment.sigma)
        np.testing.assert_array_equal((few @ rows).astype(float), few.astype(float) @ rows.astype(float))
        np.testing.assert_array_equal(few[..., ::-1] @ rows[::-1], few @ rows)
        changed = (few - coefficients).astype(float) @ rows.astype(float)
        assert np.abs(changed).max() / STEPS < near, "pixels"


def test_a_large_batch_goes_through_in_portions_that_do_not_show(digits):
    count = 2 * AT_ONCE // 784 + 5
    images = np.resize(digits, (count, 28, 28))
    augment = Augment(shift=2, rotate=10, thickness=0.5, erase=0.1)
    whole, draws = augment(images, rng(1)), augment.draw(images, rng(1))
    for index in (0, AT_ONCE // 784 - 1, AT_ONCE // 784, count - 1):
        one = augment.distort(images[index : index + 1], rows_of(draws, slice(index, index + 1)))[0]
        np.testing.assert_array_equal(whole[index], one)


def test_results_survive_the_next_call(digits):
    first = EVERYTHING(digits[:20], rng(0))
    kept = first.copy()
    EVERYTHING(digits[20:60], rng(1))
    np.testing.assert_array_equal(first, kept)


def test_images_that_do_not_lie_in_a_row_are_distorted_alike(digits):
    np.testing.assert_array_equal(EVERYTHING(digits[::2], rng()), EVERYTHING(digits[::2].copy(), rng()))


# Where ink goes.


@given(right=st.integers(-30, 30), down=st.integers(-30, 30), seed=st.integers(0, 99))
def test_a_shift_by_whole_pixels_moves_every_pixel_and_lets_paper_in(right, down, seed):
    images = rng(seed).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    expected = np.zeros((2, 28 + 120, 28 + 120), np.uint8)
    expected[:, 60 + down : 88 + down, 60 + right : 88 + right] = images
    scale = max(abs(right), abs(down), 1)
    if scale > 28:
        return
    moved = exactly(Augment(shift=scale), images, shift_x=right / scale, shift_y=down / scale)
    np.testing.assert_allclose(moved.astype(int), expected[:, 60:88, 60:88].astype(int), atol=1)


def test_half_a_pixel_is_half_of_either_neighbour():
    images = np.zeros((1, 5, 5), np.uint8)
    images[0, 2, 2] = 200
    moved = exactly(Augment(shift=0.5), images, shift_x=1)
    np.testing.assert_array_equal(moved[0, 2], [0, 0, 100, 100, 0])
    assert moved[0].sum() == 200


@pytest.mark.parametrize("side", [28, 27, 5])
@pytest.mark.parametrize("turns", [1, -1])
def test_a_quarter_turn_is_numpys(side, turns):
    images = rng().integers(0, 256, (3, side, side), dtype=np.uint8)
    turned = exactly(Augment(rotate=90), images, rotate=turns)
    expected = np.rot90(images, turns, axes=(1, 2))
    np.testing.assert_allclose(turned.astype(int), expected.astype(int), atol=1)


def test_half_a_turn_keeps_the_place_of_an_image_that_is_not_square():
    images = rng().integers(0, 256, (2, 11, 30), dtype=np.uint8)
    turned = exactly(Augment(rotate=180), images, rotate=1)
    np.testing.assert_allclose(turned.astype(int), images[:, ::-1, ::-1].astype(int), atol=1)


def test_the_ends_of_scale_are_this_much_larger_and_smaller():
    images = np.zeros((1, 41, 41), np.uint8)
    images[0, 10:31, 10:31] = 255
    for numbers, width, height in [
        ({"scale_x": 1}, 31.5, 21),
        ({"scale_x": -1}, 14, 21),
        ({"scale_y": 1}, 21, 31.5),
        ({"scale_x": -1, "scale_y": -1}, 14, 14),
    ]:
        ink = exactly(Augment(scale=0.5), images, **numbers)[0].astype(float) / 255
        assert ink[20].sum() == pytest.approx(width, abs=0.4)
        assert ink[:, 20].sum() == pytest.approx(height, abs=0.4)


def test_a_sheared_upright_leans_to_the_right_for_each_pixel_upwards():
    images = np.zeros((1, 29, 29), np.uint8)
    images[0, :, 14] = 255
    leaning = exactly(Augment(shear=0.5), images, shear=1)[0].astype(float)
    columns = leaning @ np.arange(29) / leaning.sum(axis=1)
    np.testing.assert_allclose(columns, 14 - 0.5 * (np.arange(29) - 14), atol=0.02)


def test_small_rotations_shears_and_shifts_keep_the_ink(digits):
    inner = np.zeros((len(digits), 40, 40), np.uint8)
    inner[:, 6:34, 6:34] = digits
    moved = Augment(shift=2, rotate=20, shear=0.3)(inner, rng())
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), inner.sum(axis=(1, 2)), rtol=0.02)


def test_it_is_what_scipy_fetches_from_the_same_places(digits):
    from scipy.ndimage import map_coordinates

    from inkling.data.warp import basis

    augment = Augment(shift=3, rotate=30, scale=0.3, shear=0.3, elastic=1.5)
    images = digits[:20]
    draws = augment.draw(images, rng())
    maps = augment.coefficients(draws)
    distorted = augment.distort(images, draws)
    x, y = np.asarray(maps @ basis(28, 28, augment.sigma)).reshape(2, len(images), 28, 28) + 13.5
    for image, here, places in zip(images, distorted, zip(x, y, strict=True), strict=True):
        expected = map_coordinates(image.astype(float), places[::-1], order=1, mode="grid-constant")
        np.testing.assert_allclose(here, expected, atol=2.1)  # a 512th of a pixel each way, and the rounding


# How far elastic deformation goes.


@pytest.mark.parametrize(("elastic", "sigma"), [(1.0, 4.0), (2.0, 2.0), (1.5, 8.0)])
def test_every_pixel_is_displaced_by_the_standard_deviation_that_was_asked_for(elastic, sigma):
    """Seen in the result alone: on a ramp, ink tells where it comes from."""
    ramp = np.zeros((600, 28, 28), np.uint8)
    ramp[:] = 9 * np.arange(28)
    augment = Augment(elastic=elastic, elastic_sigma=sigma)
    moved = (augment(ramp, rng()).astype(float) - ramp) / 9
    inside = moved[:, 9:19, 9:19]  # the others may fetch from beyond the ramp
    np.testing.assert_allclose(inside.std(axis=0), elastic, rtol=0.15)
    np.testing.assert_allclose(inside.mean(axis=0), 0, atol=0.25 * elastic)
    assert np.sqrt((inside**2).mean()) == pytest.approx(elastic, rel=0.05)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (12, 33)])
def test_neighbours_are_displaced_alike_and_the_more_so_the_larger_sigma_is(height, width):
    from inkling.data.warp import elastic_modes

    for sigma in (2.0, 5.0):
        modes = elastic_modes(height, width, sigma)
        together = (modes.T @ modes).reshape(height, width, height, width)
        np.testing.assert_allclose(np.einsum("yxyx->yx", together), 1, atol=1e-12)
        for d in (1, 3):
            expected = math.exp(-(d**2) / (4 * sigma**2))
            np.testing.assert_allclose(together[3, 5, 3, 5 + d], expected, atol=0.03)
            np.testing.assert_allclose(together[3, 5, 3 + d, 5], expected, atol=0.03)


def test_x_and_y_are_displaced_independently():
    augment = Augment(elastic=1)
    images = np.zeros((2000, 28, 28), np.uint8)
    along_x, along_y = augment.coefficients(augment.draw(images, rng()))[:, :, 3:]
    both = np.concatenate([along_x, along_y], axis=1)
    np.testing.assert_allclose(np.corrcoef(both.T), np.eye(both.shape[1]), atol=0.1)


# What happens to strokes.


@pytest.mark.parametrize("pixels", [-1, -0.5, 0.25, 1])
def test_strokes_get_thicker_or_thinner_by_so_many_pixels_on_either_side(pixels):
    stroke = rows_of_ink()
    changed = exactly(Augment(thickness=abs(pixels)), stroke, thickness=np.sign(pixels))[0].astype(float) / 255
    np.testing.assert_allclose(changed[:, 2:-2].sum(axis=0), 4 + 2 * pixels, atol=0.02)


def test_a_dot_grows_evenly_in_all_directions():
    dot = np.zeros((1, 7, 7), np.uint8)
    dot[0, 3, 3] = 200
    grown = exactly(Augment(thickness=1), dot, thickness=1)[0]
    np.testing.assert_array_equal(grown[2:5, 2:5], [[100, 200, 100], [200, 200, 200], [100, 200, 100]])
    assert grown.sum() == grown[2:5, 2:5].sum()
    np.testing.assert_array_equal(
        exactly(Augment(thickness=1), 255 - dot, thickness=-1)[0, 2:5, 2:5], 255 - grown[2:5, 2:5]
    )


def test_at_most_the_given_share_of_the_image_is_erased_and_all_else_kept():
    full = np.full((500, 28, 28), 200, np.uint8)
    holes = Augment(erase=0.2)(full, rng()) == 0
    assert (holes | (Augment(erase=0.2)(full, rng()) == 200)).all()
    share = holes.mean(axis=(1, 2))
    assert share.max() < 0.2 + 0.03  # whole pixels
    assert share.mean() == pytest.approx(0.1, abs=0.01)
    rows, columns = holes.any(axis=2), holes.any(axis=1)
    np.testing.assert_array_equal(holes, rows[:, :, None] & columns[:, None, :])
    assert rows.any(axis=0).all(), "any row may be hit"
    assert columns.any(axis=0).all()
    wide = columns.sum(axis=1) / np.maximum(rows.sum(axis=1), 1)
    assert wide[share > 0.1].max() > 1.8
    assert wide[share > 0.1].min() < 0.55


@pytest.mark.parametrize("sigma", [0.8, 1.3, 2.0, 3.0])
def test_blur_is_a_gaussian_of_its_standard_deviation(digits, sigma):
    from scipy.ndimage import gaussian_filter

    blurred = exactly(Augment(blur=sigma), digits, blur=1).astype(float)
    expected = gaussian_filter(digits.astype(float), (0, sigma, sigma), mode="reflect")
    assert np.sqrt(np.mean((blurred - expected) ** 2)) < 2.5
    assert np.abs(blurred - expected).max() < 14, (
        "on a grid of pixels a narrow Gaussian can be had in more than one way"
    )


@given(sigma=st.floats(0, 2), column=st.integers(10, 30))
def test_blur_spreads_a_line_by_just_its_variance_and_keeps_its_ink(sigma, column):
    line = np.zeros((1, 28, 41), np.uint8)
    line[:, :, column] = 255
    ink = exactly(Augment(blur=sigma), line, blur=1)[0].astype(float)
    np.testing.assert_array_equal(ink, np.broadcast_to(ink[0], ink.shape))
    assert ink[0].sum() == pytest.approx(255, abs=4)  # whole levels of grey
    share = ink[0] / ink[0].sum()
    assert share @ np.arange(41) == pytest.approx(column, abs=0.05)
    assert share @ (np.arange(41) - column) ** 2 == pytest.approx(
        sigma**2, rel=0.1, abs=0.04
    )  # faint tails round to paper


def test_blurs_add_up(digits):
    """Twice 0.9 pixels are once 0.9 · √2: it is one and the same diffusion, only longer."""
    half, whole = Augment(blur=0.9), Augment(blur=0.9 * math.sqrt(2))
    twice = exactly(half, exactly(half, digits, blur=1), blur=1).astype(int)
    np.testing.assert_allclose(twice, exactly(whole, digits, blur=1).astype(int), atol=2)


def test_blur_loses_no_ink_at_the_edges():
    edge = np.zeros((1, 28, 28), np.uint8)
    edge[0, :2, :2] = 255
    assert exactly(Augment(blur=2), edge, blur=1).sum() == pytest.approx(edge.sum(), rel=0.02)


def test_images_are_blurred_from_not_at_all_to_fully(digits):
    images = np.repeat(digits[:1], 400, axis=0)
    sharpness = np.abs(np.diff(Augment(blur=1.5)(images, rng()).astype(int))).sum(axis=(1, 2))
    ends = [np.abs(np.diff(exactly(Augment(blur=1.5), images[:1], blur=end).astype(int))).sum() for end in (1, -1)]
    assert ends[0] < 0.7 * ends[1]
    np.testing.assert_array_equal(exactly(Augment(blur=1.5), images[:1], blur=-1), images[:1])
    assert ends[0] <= sharpness.min() < ends[0] + 0.1 * (ends[1] - ends[0])
    assert ends[1] >= sharpness.max() > ends[1] - 0.1 * (ends[1] - ends[0])


def test_blur_leaves_the_other_distortions_the_numbers_they_have_without_it(digits):
    """A training that does not blur sees the images that it saw before there was such a thing."""
    without = Augment(shift=2, elastic=1).draw(digits, rng())
    numbers = rng().random((len(digits), len(DRAWN) + without["elastic"].shape[1]), dtype=np.float32) * 2 - 1
    np.testing.assert_array_equal(without["shift_x"], numbers[:, 0])
    np.testing.assert_array_equal(without["elastic"], numbers[:, len(DRAWN) :])


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_noise_has_its_standard_deviation_and_no_bias(noise):
    grey = np.full((40, 28, 28), 128, np.uint8)
    speckled = exactly(Augment(noise=noise), grey, noise=1).astype(float)
    assert speckled.std() == pytest.approx(noise * 255, rel=0.03, abs=0.1)
    assert speckled.mean() == pytest.approx(128, abs=0.5)
    neighbours = np.corrcoef(speckled[:, :, 1:].ravel(), speckled[:, :, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.03


def test_noise_belongs_to_the_image_and_to_nothing_beside_its_key():
    grey = np.full((40, 28, 28), 128, np.uint8)
    augment = Augment(noise=0.1)
    draws = augment.draw(grey, rng())
    assert len({image.tobytes() for image in augment.distort(grey, draws)}) == len(grey)
    draws["noise_key"][:] = draws["noise_key"][0]
    draws["noise"][:] = 1
    assert len({image.tobytes() for image in augment.distort(grey, draws)}) == 1


def test_noise_is_cut_at_paper_and_full_ink():
    extremes = np.zeros((2, 28, 28), np.uint8)
    extremes[1] = 255
    speckled = exactly(Augment(noise=1), extremes, noise=1)
    assert {speckled[0].min(), speckled[1].max()} == {0, 255}
    assert np.median(speckled[0]) < 128 < np.median(speckled[1])


# What can be said to it.


def test_it_is_known_by_its_amounts():
    augment = Augment(shift=2, rotate=15)
    assert (augment.shift, augment.rotate, augment.noise) == (2, 15, 0)
    assert augment == Augment(**asdict(augment))
    assert augment.kinds == ("shift", "rotate")
    assert Augment(elastic_sigma=9).kinds == ()
    assert hash(augment) == hash(Augment(rotate=15.0, shift=2.0))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"shift": -1}, r"shift is -1, but must lie in \[0, 28\] \(pixels\)"),
        ({"rotate": 180.5}, r"rotate is 180.5, but must lie in \[0, 180\] \(degrees\)"),
        ({"elastic_sigma": 0.5}, r"elastic_sigma is 0.5, but must lie in \[1, 28\]"),
        ({"blur": 6}, r"blur is 6, but must lie in \[0, 5\] \(pixels\)"),
        ({"erase": 0.6}, r"erase is 0.6, but must lie in \[0, 0.5\]"),
        ({"noise": math.nan}, "noise is nan"),
        ({"scale": math.inf}, "scale is inf"),
        ({"shear": "0.2"}, "shear is '0.2'"),
        ({"thickness": True}, "thickness is True"),
        ({"elastic": None}, "elastic is None"),
    ],
)
def test_amounts_out_of_range_are_refused_in_one_line(wrong, said):
    with pytest.raises(ValueError, match=said) as caught:
        Augment(**wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("images", [np.zeros((2, 28, 28)), np.zeros((28, 28), np.uint8), np.zeros((2, 784), np.uint8)])
def test_what_are_no_images_are_refused(images):
    with pytest.raises(DataError, match=r"images must be uint8 of shape \(n, height, width\); these are"):
        EVERYTHING(images, rng())
