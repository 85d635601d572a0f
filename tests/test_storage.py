"""Networks on disk: what is saved comes back, what is damaged is said to be, and nothing is ever half-written."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from inkling import nn, storage
from inkling.errors import InklingError, ModelFileError
from inkling.storage import (
    RunFolder,
    find_model,
    latest_run,
    load_model,
    load_pretrained,
    read_arrays,
    save_model,
    write_arrays,
    write_atomically,
    write_json,
    write_text,
)


def small_network(**settings) -> nn.Network:
    return nn.Network([nn.Dense(3), nn.ReLU(), nn.Dense(2)], input_shape=(4,), seed=1, **settings)


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def refused(path: Path | str, said: str = ".") -> Iterator[None]:
    """A ModelFileError in one line that names the file."""
    with pytest.raises(ModelFileError, match=said) as caught:
        yield
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


# There and back.

HIDDEN = [
    [nn.Flatten(), nn.Dense(5, "he"), nn.ReLU()],
    [nn.Dense(5, "he_uniform"), nn.LeakyReLU(0.2), nn.Dropout(0.3)],
    [nn.Dense(5, "glorot"), nn.Sigmoid()],
    [nn.Dense(5, nn.ScaledNormal(0.05)), nn.Tanh()],
    [nn.Dense(5, nn.GlorotNormal()), nn.Identity()],
    [nn.Dense(5, "zeros"), nn.Softmax()],
    [nn.Conv2D(3, (3, 2), padding="same"), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(2, 1), nn.AveragePool2D((1, 2))],
    [nn.Conv2D(4, 2, 2, initializer="glorot"), nn.GlobalAveragePool2D(), nn.BatchNorm(0.5)],
]
LAST = [
    (nn.SoftmaxCrossEntropy("sum", 0.1), []),
    (nn.MeanSquaredError("mean"), [nn.Sigmoid()]),
    (nn.SigmoidBinaryCrossEntropy(label_smoothing=0.05), []),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", range(len(LAST)))
@pytest.mark.parametrize("hidden", range(len(HIDDEN)))
def test_every_network_comes_back_bit_for_bit(tmp_path, hidden, loss, dtype):
    loss, end = LAST[loss]
    layers = [nn.from_config(layer.config()) for layer in [*HIDDEN[hidden], nn.Dense(3), *end]]
    network = nn.Network(layers, input_shape=(4, 4), loss=loss, seed=7, dtype=dtype, l2=0.01)
    network.parameters += np.random.default_rng(0).normal(size=network.parameters.shape).astype(dtype)
    network.state += np.random.default_rng(2).uniform(size=network.state.shape).astype(dtype)
    path = save_model(network, tmp_path / "model.safetensors")
    loaded = load_model(path)
    assert loaded.config() == network.config()
    assert loaded.dtype == dtype
    np.testing.assert_array_equal(loaded.parameters, network.parameters)
    np.testing.assert_array_equal(loaded.state, network.state)
    images = np.random.default_rng(1).integers(0, 256, (6, 4, 4), dtype=np.uint8)
    np.testing.assert_array_equal(loaded.predict_proba(images), network.predict_proba(images))


def test_every_part_there_is_can_be_saved():
    """The tables above name each layer and loss of the library, so that a new one is not forgotten."""
    known = {type(part) for hidden in HIDDEN for part in hidden} | {type(loss) for loss, _ in LAST}
    public = [getattr(nn, name) for name in nn.__all__]
    parts = {p for p in public if isinstance(p, type) and issubclass(p, (nn.Layer, nn.Loss))}
    assert parts - {nn.Layer, nn.Loss} <= known


def test_a_file_is_enough_to_predict_in_another_process(tmp_path):
    network = nn.Network([nn.Dense(6), nn.Tanh(), nn.Dropout(0.5), nn.Dense(10)], seed=3)
    save_model(network, tmp_path / "m.safetensors")
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    program = (
        "import inkling, numpy; "
        "p = inkling.load_model('m.safetensors').predict_proba(numpy.load('images.npy')); numpy.save('p.npy', p)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), network.predict_proba(images), rtol=1e-6)


def test_what_is_worth_knowing_is_kept_with_the_numbers(tmp_path):
    save_model(small_network(), tmp_path / "m", about={"recipe": "mine", "accuracy": 0.5, "wörds": ["é"]})
    arrays, metadata = read_arrays(tmp_path / "m")
    assert metadata["about"] == {"recipe": "mine", "accuracy": 0.5, "wörds": ["é"]}
    assert sorted(arrays) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]


def test_any_safetensors_reader_can_read_it(tmp_path):
    from safetensors.numpy import load_file

    network = small_network()
    save_model(network, tmp_path / "m.safetensors")
    for name, values in network.named_parameters():
        np.testing.assert_array_equal(load_file(tmp_path / "m.safetensors")[name], values)


def test_a_file_a_run_folder_and_latest_all_name_a_model(in_tmp):
    networks = [nn.Network([nn.Dense(2)], input_shape=(2,), seed=seed) for seed in range(3)]
    for number, network in enumerate(networks):
        path = save_model(network, in_tmp / "runs" / f"run-{number}" / "model.safetensors")
        os.utime(path, (number, 1000 + [5, 9, 7][number]))
    (in_tmp / "runs" / "unfinished").mkdir()
    for number, network in enumerate(networks):
        for name in (f"runs/run-{number}", f"runs/run-{number}/model.safetensors"):
            np.testing.assert_array_equal(load_model(name).parameters, network.parameters)
    assert latest_run() == Path("runs/run-1")
    np.testing.assert_array_equal(load_model("latest").parameters, networks[1].parameters)
    np.testing.assert_array_equal(load_model(Path("latest")).parameters, networks[1].parameters)


def test_where_nothing_was_trained_there_is_no_latest(in_tmp):
    for make_runs in (lambda: None, (in_tmp / "runs").mkdir):
        make_runs()
        with pytest.raises(ModelFileError, match=r"there is no run in runs.* yet: train one"):
            load_model("latest")
        with pytest.raises(ModelFileError, match="train one"):
            RunFolder.open("latest")


def test_the_one_that_comes_along_has_a_name_too(in_tmp):
    (in_tmp / "pretrained").mkdir()  # a folder of that name does not hide it, as none hides the latest run
    assert find_model("pretrained") == storage.PRETRAINED
    np.testing.assert_array_equal(load_model("pretrained").parameters, load_pretrained().parameters)
    with pytest.raises(InklingError, match="pretrained is the network that comes along, and no run"):
        RunFolder.open("pretrained")


def test_whoever_names_no_model_is_told_of_it(in_tmp):
    for model in ("nothing", "latest"):
        with pytest.raises(ModelFileError, match="pretrained"):
            load_model(model)


# Half the size.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_half_the_size_is_rounded_once_and_comes_back_as_what_it_was(tmp_path, dtype):
    network = nn.Network([nn.Dense(30), nn.BatchNorm(), nn.ReLU(), nn.Dense(2)], input_shape=(40,), dtype=dtype)
    network.state += 0.1
    path, whole = (save_model(network, tmp_path / str(half), half=half) for half in (True, False))
    loaded = load_model(path)
    assert loaded.dtype == dtype
    assert loaded.config() == network.config()
    np.testing.assert_array_equal(loaded.parameters, network.parameters.astype(np.float16))
    np.testing.assert_array_equal(loaded.state, network.state.astype(np.float16))
    assert path.stat().st_size < 0.75 * whole.stat().st_size
    assert save_model(loaded, tmp_path / "again", half=True).read_bytes() == path.read_bytes()


def test_numbers_too_large_for_half_the_size_are_refused_before_anything_is_written(tmp_path):
    network = small_network()
    network.parameters[-1] = 70_000
    with pytest.raises(ValueError, match=r"dense_2\.b holds numbers that float16 cannot"):
        save_model(network, tmp_path / "m", half=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
def test_numbers_of_another_type_are_taken_only_where_the_file_says_so(tmp_path, dtype):
    path = rewritten(tmp_path / "m", {"dense_1.W": np.zeros((4, 3), dtype)})
    with refused(path, rf"dense_1\.W is {np.dtype(dtype)}, the architecture says float32"):
        load_model(path)
    path = rewritten(tmp_path / "m", {"dense_1.W": np.zeros((4, 3), np.float16)}, stored="float16")
    with refused(path, r"dense_\d\.\w is float32, the file says float16"):
        load_model(path)


@pytest.mark.parametrize("stored", ["int4", 8, ["float16"], ""])
def test_a_way_of_storing_that_is_not_known_is_refused(tmp_path, stored):
    with refused(tmp_path / "m", "which this Inkling cannot read: upgrade"):
        load_model(rewritten(tmp_path / "m", stored=stored))


# Damaged, foreign, hostile.


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good model file."""
    return save_model(small_network(), tmp_path_factory.mktemp("whole") / "m.safetensors").read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to be overwritten by every example."""
    return tmp_path_factory.mktemp("damaged") / "m.safetensors"


@settings(deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(whole, place, data):
    place.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with refused(place):
        load_model(place)


@settings(deadline=None)
@given(data=st.data())
def test_a_file_with_any_byte_changed_is_refused(whole, place, data):
    index = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(1, 255))
    place.write_bytes(whole[:index] + bytes([whole[index] ^ other]) + whole[index + 1 :])
    with suppress(ModelFileError):
        loaded = load_model(place)
        # Only what stands for the same can pass: the order of what has names, for example.
        assert loaded.config() == small_network().config()
        np.testing.assert_array_equal(loaded.parameters, small_network().parameters)
        return
    with refused(place):
        load_model(place)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(place, content):
    place.write_bytes(content)
    with refused(place):
        load_model(place)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a text, and not a short one, that has nothing to do with networks\n" * 20,
        pickle.dumps({"dense_1.W": np.zeros(3)}),
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 99_999_999) + b"{" * 1000,
        struct.pack("<Q", 2) + b"[]",
        b"PK\x03\x04" + bytes(100),
    ],
    ids=["empty", "text", "pickle", "huge header", "long header", "list", "zip"],
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with refused(path, "damaged, cut short, or no safetensors file"):
        load_model(path)


def test_a_pickle_is_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "m.safetensors").write_bytes(pickle.dumps(Trap()))
    with refused(tmp_path / "m.safetensors"):
        load_model(tmp_path / "m.safetensors")
    assert not (tmp_path / "sprung").exists()


def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    for metadata in (None, {"format": "pt"}):
        path.write_bytes(save({"weight": np.zeros((2, 2), np.float32)}, metadata))
        with refused(path, "holds no Inkling network"):
            load_model(path)
    write_arrays(path, {"parameters": np.zeros(3)}, {"checkpoint": {}})
    with refused(path, "holds no Inkling network"):
        load_model(path)


def test_folders_and_missing_files_are_refused(tmp_path):
    with refused(tmp_path / "no.safetensors", "there is no model at"):
        load_model(tmp_path / "no.safetensors")
    with refused(tmp_path, r"holds no model\.safetensors: is it a run folder"):
        load_model(tmp_path)
    with refused(tmp_path, "is a folder"):
        read_arrays(tmp_path)
    with refused(tmp_path / "no", "does not exist"):
        read_arrays(tmp_path / "no")


def rewritten(path: Path, arrays=None, **changes) -> Path:
    """A model file whose metadata says something else, but which is otherwise sound."""
    network = small_network()
    metadata = {"format": "inkling-network", "version": 1, "network": network.config(), "about": {}, **changes}
    write_arrays(path, dict(network.named_parameters()) | (arrays or {}), metadata)
    return path


def architecture(**changes) -> dict:
    return {**small_network().config(), **changes}


def test_a_file_of_a_newer_version_says_so(tmp_path):
    path = rewritten(tmp_path / "m", version=2)
    with refused(path, "newer Inkling .format 2.: upgrade"):
        load_model(path)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (architecture(layers=[{"type": "Capsule", "units": 3}]), "no part called 'Capsule'; known are"),
        (architecture(layers=[{"type": "Dense", "neurons": 3}]), "Dense cannot be made from"),
        (architecture(layers=[{"type": "Dense", "units": -3}]), "units is -3"),
        (architecture(layers=[{"type": "Adam"}]), "."),
        (architecture(layers=[]), "at least one layer"),
        (architecture(layers=None), "."),
        (architecture(layers=[3]), "."),
        (architecture(layers=[[]]), "."),
        (architecture(input_shape=[]), "input_shape"),
        (architecture(input_shape="big"), "."),
        (architecture(input_shape=[float("inf")]), "."),
        (architecture(dtype="int8"), "dense_1.W is float32, the architecture says int8"),
        (architecture(dtype="float99"), "."),
        (architecture(seed=-1), "."),
        (architecture(l2="much"), "l2 is 'much'"),
        (architecture(loss={"type": "MeanSquaredError", "reduction": "none"}), "reduction is 'none'"),
        (architecture(heads=8), "heads"),
        (architecture(layers=[{"type": "Dense", "units": 10**15}]), "."),
        ({}, "."),
        ([], "."),
        ("Dense(3)", "."),
        (None, "."),
    ],
)
def test_an_architecture_that_makes_no_sense_is_refused(tmp_path, network, said):
    path = rewritten(tmp_path / "m", network=network)
    with refused(path, said):
        load_model(path)


def test_metadata_without_an_architecture_is_refused(tmp_path):
    write_arrays(tmp_path / "m", {"dense_1.W": np.zeros(3)}, {"format": "inkling-network", "version": 1})
    with refused(tmp_path / "m", "architecture cannot be read"):
        load_model(tmp_path / "m")


def test_metadata_nested_without_end_is_refused(tmp_path):
    (tmp_path / "m").write_bytes(save({"a": np.zeros(1)}, {"inkling": "[" * 100_000}))
    with refused(tmp_path / "m", "recursion"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"dense_1.W": np.zeros((3, 4), np.float32)}, r"dense_1\.W has shape \(3, 4\), the architecture says \(4, 3\)"),
        ({"dense_2.b": np.zeros((), np.float32)}, r"dense_2\.b has shape \(\)"),
        ({"dense_2.W": np.full((3, 2), np.nan, np.float32)}, r"dense_2\.W holds numbers that are not finite"),
        ({"dense_1.b": np.array([0, np.inf, 0], np.float32)}, r"dense_1\.b holds numbers that are not finite"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path, arrays, said):
    path = rewritten(tmp_path / "m", arrays)
    with refused(path, said):
        load_model(path)


def test_missing_parameters_are_named(tmp_path):
    metadata = {"format": "inkling-network", "version": 1, "network": architecture()}
    write_arrays(tmp_path / "m", {"dense_1.W": np.zeros((4, 3), np.float32)}, metadata)
    with refused(tmp_path / "m", r"there are no parameters dense_1\.b, dense_2\.W, dense_2\.b"):
        load_model(tmp_path / "m")


def test_running_statistics_that_are_missing_are_named(tmp_path):
    network = nn.Network([nn.BatchNorm(), nn.Dense(2)], input_shape=4)
    metadata = {"format": "inkling-network", "version": 1, "network": network.config()}
    write_arrays(tmp_path / "m", dict(network.named_parameters()), metadata)
    with refused(tmp_path / "m", r"batchnorm_1\.running_mean, batchnorm_1\.running_variance"):
        load_model(tmp_path / "m")


HUGE = [
    [{"type": "Dense", "units": 400_000}],
    [{"type": "Dense", "units": 3}, {"type": "Dense", "units": 30_000}, {"type": "Dense", "units": 30_000}],
    [{"type": "Conv2D", "channels": 100_000, "kernel": 20}, {"type": "Dense", "units": 10}],
    [{"type": "Conv2D", "channels": 1}, {"type": "Dense", "units": 10**15}],
]


@pytest.mark.parametrize("layers", HUGE, ids=["wide", "wide and deep", "many channels", "more than there is"])
def test_a_small_file_that_speaks_of_a_huge_network_takes_no_room(tmp_path, layers):
    """A description is short whatever it describes: before anything is laid out for it, it must fit the numbers."""
    path = rewritten(tmp_path / "m", network=architecture(layers=layers, input_shape=[28, 28, 1]))
    assert path.stat().st_size < 2_000
    tracemalloc.start()
    try:
        with refused(path, "the architecture says|there are no parameters"):
            load_model(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_an_architecture_nested_without_end_is_refused(tmp_path):
    initializer: dict = {"type": "HeNormal"}
    for _ in range(600):
        initializer = {"type": "HeNormal", "inner": initializer}
    network = architecture(layers=[{"type": "Dense", "units": 3, "initializer": initializer}])
    with refused(tmp_path / "m"):
        load_model(rewritten(tmp_path / "m", network=network))


# Writing.


def test_writing_makes_the_folder_and_leaves_nothing_beside(tmp_path):
    write_text(tmp_path / "a" / "b" / "file.txt", "ünicode\n")
    assert (tmp_path / "a" / "b" / "file.txt").read_bytes() == "ünicode\n".encode()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file.txt"]


@pytest.mark.parametrize(
    "trouble", [RuntimeError("half-way"), KeyboardInterrupt(), OSError(28, "No space left on device")]
)
@pytest.mark.parametrize("before", [None, "the old content"])
def test_a_writer_that_fails_leaves_the_old_file_whole_and_no_litter(tmp_path, trouble, before):
    path = tmp_path / "file.txt"
    if before is not None:
        path.write_text(before)

    def fail(beside: Path) -> None:
        beside.write_text("half of the new con")
        raise trouble

    expected = InklingError if isinstance(trouble, OSError) else type(trouble)
    with pytest.raises(expected) as caught:
        write_atomically(path, fail)
    if expected is InklingError:
        assert str(caught.value) == f"cannot write {path}: No space left on device"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == ({} if before is None else {"file.txt": before})


def test_while_the_new_is_written_the_old_stands(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def look(beside: Path) -> None:
        beside.write_text("new")
        assert path.read_text() == "old"

    write_atomically(path, look)
    assert path.read_text() == "new"


def test_where_nothing_can_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "below.txt", tmp_path / "file" / "deep" / "below.txt"):
        with pytest.raises(InklingError, match=f"cannot write {path}: ") as caught:
            write_text(path, "x")
        assert "\n" not in str(caught.value)
    with pytest.raises(InklingError, match="cannot write"):
        save_model(small_network(), tmp_path / "file" / "m.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InklingError, match="cannot write"):
        write_text(tmp_path / "folder", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_json_has_no_word_for_nan(tmp_path):
    value = {"a": float("nan"), "b": [1.5, -np.inf, {"c": np.float32("nan")}], "d": np.int64(3), "e": (True, None, "ü")}
    write_json(tmp_path / "m.json", value)
    text = (tmp_path / "m.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"a": None, "b": [1.5, None, {"c": None}], "d": 3, "e": [True, None, "ü"]}
    assert "ü" in text
    assert text.endswith("}\n")


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda children: st.lists(children, max_size=3),
            max_leaves=3,
        ),
    )
)
def test_json_that_has_words_comes_back(place, value):
    write_json(place, value)
    assert json.loads(place.read_text(encoding="utf-8")) == value


@settings(deadline=None)
@given(
    shape=st.lists(st.integers(0, 4), max_size=3),
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
    fortran=st.booleans(),
    text=st.text(),
)
def test_arrays_and_metadata_come_back(place, shape, dtype, fortran, text):
    array = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)
    given_arrays = {"a": np.asfortranarray(array) if fortran else array, "b": array[..., ::-1] if shape else array}
    write_arrays(place, given_arrays, {"text": text, "values": [1, 0.1, None]})
    arrays, metadata = read_arrays(place)
    assert metadata == {"text": text, "values": [1, 0.1, None]}
    for name, expected in given_arrays.items():
        assert arrays[name].dtype == dtype
        np.testing.assert_array_equal(arrays[name], expected)


# Run folders.


def test_a_run_folder_is_named_by_time_and_recipe(in_tmp):
    folder = RunFolder.create("my recipe/ü")
    assert folder.path.parent == Path("runs")
    assert folder.path.is_dir()
    stamp, _, name = folder.path.name.partition("-")
    assert name == "my-recipe"
    assert len(stamp) == len("20240131T235959")
    assert folder.model == folder.path / "model.safetensors"


def test_runs_of_the_same_second_have_folders_of_their_own(in_tmp, monkeypatch):
    class Frozen:
        @staticmethod
        def now(zone):
            from datetime import datetime

            return datetime(2024, 1, 31, 23, 59, 59, tzinfo=zone)

    monkeypatch.setattr(storage, "datetime", Frozen)
    names = [RunFolder.create("x").path.name for _ in range(4)]
    stem = "20240131T235959-x"
    assert names == [stem, f"{stem}-2", f"{stem}-3", f"{stem}-4"]


def test_another_process_may_take_the_name_first(in_tmp, monkeypatch):
    """Looking whether a name is free and taking it must be one act."""
    monkeypatch.setattr(Path, "exists", lambda _self: False)
    assert RunFolder.create("x").path != RunFolder.create("x").path


def test_out_may_be_new_or_empty_but_not_in_use(in_tmp):
    (in_tmp / "empty").mkdir()
    for name in ("new", "a/b/new", "empty"):
        assert RunFolder.create("x", name).path == Path(name)
        assert Path(name).is_dir()
    (in_tmp / "used").mkdir()
    (in_tmp / "used" / "thesis.txt").write_text("mine")
    (in_tmp / "file").write_text("mine")
    for name in ("used", "file"):
        with pytest.raises(InklingError, match=f"--out {name} exists already and is not empty"):
            RunFolder.create("x", name)
    with pytest.raises(InklingError, match="cannot make the run folder file/below"):
        RunFolder.create("x", "file/below")


def test_where_runs_cannot_be_made_is_said(in_tmp):
    (in_tmp / "runs").write_text("in the way")
    with pytest.raises(InklingError, match="cannot make the run folder runs"):
        RunFolder.create("x")


def test_only_a_run_folder_opens_as_one(in_tmp):
    with pytest.raises(InklingError, match="there is no run folder at nowhere"):
        RunFolder.open("nowhere")
    (in_tmp / "other").mkdir()
    with pytest.raises(InklingError, match=r"other holds no recipe\.toml"):
        RunFolder.open("other")
    folder = RunFolder.create("x", "mine")
    write_text(folder.recipe, "")
    assert RunFolder.open("mine").path == folder.path


@pytest.mark.parametrize("saved", ["model", "checkpoint", None])
def test_a_folder_is_removed_only_while_nothing_was_saved(in_tmp, saved):
    folder = RunFolder.create("x", "run")
    write_text(folder.recipe, "")
    write_text(folder.history, "")
    if saved:
        write_text(getattr(folder, saved), "")
    folder.remove_if_bare()
    assert folder.path.exists() == bool(saved)
    assert folder.recipe.exists() == bool(saved)


def test_a_folder_with_something_of_the_users_is_never_removed(in_tmp):
    folder = RunFolder.create("x", "run")
    write_text(folder.path / "notes.txt", "mine")
    folder.remove_if_bare()
    assert (folder.path / "notes.txt").read_text() == "mine"


def test_the_same_model_is_the_same_file(tmp_path: Path) -> None:
    network = nn.Network([nn.Dense(3), nn.ReLU(), nn.Dense(2)], input_shape=4)
    contents = {
        storage.save_model(network, tmp_path / f"{k}.safetensors", about={"recipe": "x", "seed": 1}).read_bytes()
        for k in range(8)
    }
    assert len(contents) == 1
