"""CSV files of digits: both layouts, with and without labels, and every mistake named by line and column."""

from __future__ import annotations

import gzip
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stand_ins import some_digits

from inkling.data import iter_csv, load_data, read_csv
from inkling.data.tables import LAYOUTS
from inkling.errors import DataError

KAGGLE, IN_CSV = (",".join(layout) for layout in LAYOUTS)
DIGITS = some_digits(12)


def rows(labelled: bool = True) -> list[str]:
    cells = DIGITS.images.reshape(len(DIGITS), -1).tolist()
    heads = [[label] for label in DIGITS.labels.tolist()] if labelled else [[]] * len(cells)
    return [",".join(map(str, [*head, *row])) for head, row in zip(heads, cells, strict=True)]


def write(place: Path, lines: list[str], end: str = "\n") -> Path:
    place.write_bytes("".join(line + end for line in lines).encode())
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv") / "train.csv"


@pytest.mark.parametrize("layout", [KAGGLE, IN_CSV])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_layouts_with_and_without_labels(place: Path, layout: str, labelled: bool, end: str) -> None:
    header = "label," * labelled + layout
    images, labels = read_csv(write(place, [header, *rows(labelled)], end))
    np.testing.assert_array_equal(images, DIGITS.images)
    assert images.dtype == np.uint8
    if labelled:
        np.testing.assert_array_equal(labels, DIGITS.labels)
        assert labels.dtype == np.int64  # type: ignore[union-attr]
    else:
        assert labels is None


def test_headers_in_quotes_or_behind_a_byte_order_mark_and_a_missing_last_line_end(place: Path) -> None:
    header = ",".join(f'"{name}"' for name in ["label", *LAYOUTS[0]])
    place.write_bytes(("\ufeff" + header + "\n" + "\n".join(rows())).encode())
    np.testing.assert_array_equal(read_csv(place)[0], DIGITS.images)


def test_whole_numbers_written_with_a_point_are_whole_numbers(place: Path) -> None:
    lines = [re.sub(r"(\d+)", r"\1.0", row) for row in rows()]
    images, labels = read_csv(write(place, [f"label,{KAGGLE}", *lines]))
    np.testing.assert_array_equal(images, DIGITS.images)
    np.testing.assert_array_equal(labels, DIGITS.labels)


def test_compressed_tables_are_read_as_they_are(tmp_path: Path) -> None:
    plain = write(tmp_path / "train.csv", [f"label,{KAGGLE}", *rows()])
    packed = tmp_path / "train.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_csv(packed)[0], DIGITS.images)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError, match="ends too early"):
        read_csv(packed)


def zipped(place: Path, members: dict[str, str], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return place


TRAIN, TEST = ("\n".join(lines) for lines in ([f"label,{KAGGLE}", *rows()], [KAGGLE, *rows(labelled=False)[:5]]))


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_table_in_a_zip_file_is_read_as_it_is(tmp_path: Path, packing: int) -> None:
    steps: list[tuple[str, int, int | None]] = []
    packed = zipped(tmp_path / "any name.zip", {"read me.txt": "", "folder/mine.CSV": TRAIN}, packing)
    images, labels = read_csv(packed, progress=lambda *step: steps.append(step))
    np.testing.assert_array_equal(images, DIGITS.images)
    np.testing.assert_array_equal(labels, DIGITS.labels)
    assert steps == [("mine.CSV", len(TRAIN), len(TRAIN))]


def test_of_kaggles_zip_file_the_table_that_is_meant_is_read(tmp_path: Path) -> None:
    members = {"sample_submission.csv": "ImageId,Label\n1,0\n", "test.csv": TEST, "train.csv": TRAIN}
    packed = zipped(tmp_path / "digit-recognizer.zip", {**members, "__MACOSX/._train.csv": "\0"})
    np.testing.assert_array_equal(read_csv(packed, labelled=True)[0], DIGITS.images)
    images, labels = read_csv(packed, labelled=False)
    np.testing.assert_array_equal(images, DIGITS.images[:5])
    assert labels is None
    assert load_data(packed).source == "csv:digit-recognizer.zip"


def test_what_is_wrong_in_a_zip_file_is_said_as_if_it_were_a_folder(tmp_path: Path) -> None:
    packed = tmp_path / "all.zip"
    for members, says in (
        ({"a.txt": ""}, r"all\.zip: there is no \.csv in this zip file"),
        ({"a.csv": TRAIN, "b.csv": TRAIN}, r"all\.zip: it holds a\.csv, b\.csv, and which is meant is not clear"),
        ({"x/train.csv": TRAIN, "y/train.csv": TRAIN}, "which is meant is not clear"),
        ({"a.csv": TRAIN.replace("\n", "\nx", 1)}, re.escape(str(Path("all.zip/a.csv"))) + ", line 2, column 1"),
        ({"a.csv": KAGGLE}, re.escape(str(Path("all.zip/a.csv"))) + ": there are no rows"),
    ):
        with pytest.raises(DataError, match=says):
            read_csv(zipped(packed, members))


def test_a_zip_file_that_cannot_be_unpacked(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "all.zip", {"train.csv": TRAIN})
    whole = packed.read_bytes()
    packed.write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"all\.zip: the compressed file is damaged"):
        read_csv(packed)
    directory = whole.index(b"PK\x01\x02")
    for place in (6, directory + 8):  # the flag of a member with a password, in both its headers
        whole = whole[:place] + b"\x01" + whole[place + 1 :]
    packed.write_bytes(whole)
    with pytest.raises(DataError, match=r"all\.zip: cannot be unpacked here \(.*password.*\); unpack it"):
        read_csv(packed)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=100)
@given(data=st.data())
def test_random_damage_to_a_zip_file_is_an_error_or_does_not_matter(place: Path, data: st.DataObject) -> None:
    content = bytearray(zipped(place.with_suffix(".zip"), {"train.csv": TRAIN}).read_bytes())
    spots = st.one_of(st.integers(4, 60), st.integers(len(content) - 90, len(content) - 1), st.integers(4, 2000))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(spots)] = data.draw(st.integers(0, 255))
    damaged = place.with_suffix(".zip")
    damaged.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a file's name that is no UTF-8, from zipfile
            images, _ = read_csv(damaged)
    except DataError as error:
        message = str(error)
    else:
        np.testing.assert_array_equal(images, DIGITS.images)
        return
    assert str(damaged) in message
    assert message.isprintable()


@pytest.mark.parametrize("chunk_rows", [1, 5, 12, 100])
def test_a_table_in_pieces_is_the_same_table(place: Path, chunk_rows: int) -> None:
    write(place, [f"label,{KAGGLE}", *rows()])
    steps: list[tuple[str, int, int | None]] = []
    pieces = list(iter_csv(place, chunk_rows, progress=lambda *step: steps.append(step)))
    assert all(len(images) <= chunk_rows for images, _ in pieces)
    np.testing.assert_array_equal(np.concatenate([images for images, _ in pieces]), DIGITS.images)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in pieces]), DIGITS.labels)  # type: ignore[misc]
    assert steps[-1] == ("train.csv", place.stat().st_size, place.stat().st_size)


def test_labels_can_be_insisted_on_or_left_out(place: Path) -> None:
    write(place, [KAGGLE, *rows(labelled=False)])
    with pytest.raises(DataError, match="line 1: there is no column label"):
        read_csv(place, labelled=True)
    write(place, [f"label,{KAGGLE}", *rows()])
    assert read_csv(place, labelled=False)[1] is None
    assert read_csv(place, labelled=True)[1] is not None


def test_blank_lines_are_passed_over_and_counted(place: Path) -> None:
    lines = rows()
    write(place, [f"label,{KAGGLE}", "", *lines[:4], "", "  ", *lines[4:], "", ""])
    np.testing.assert_array_equal(read_csv(place)[0], DIGITS.images)
    lines[6] = lines[6].replace(",", ",x", 1)
    write(place, [f"label,{KAGGLE}", "", *lines[:4], "", "  ", *lines[4:]])
    for chunk_rows in (1, 3, 100):
        with pytest.raises(DataError, match=r"line 11, column 2 \(pixel0\)"):
            list(iter_csv(place, chunk_rows))


def change(row: str, column: int, cell: str) -> str:
    cells = row.split(",")
    cells[column - 1] = cell
    return ",".join(cells)


@pytest.mark.parametrize("chunk_rows", [2, 100])
@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        (3, "", r"line 6, column 3 \(pixel1\): there is no value"),
        (3, "NaN", r"line 6, column 3 \(pixel1\): the value is missing \(NaN\)"),
        (3, "NA", r"line 6, column 3 \(pixel1\): 'NA' is no number"),
        (785, "256", r"line 6, column 785 \(pixel783\): 256 does not fit; wanted is a whole number from 0 to 255"),
        (785, "-1", r"line 6, column 785 \(pixel783\): -1 does not fit"),
        (2, "0.5", r"line 6, column 2 \(pixel0\): 0.5 does not fit"),
        (2, "1e999", r"line 6, column 2 \(pixel0\): 1e999 does not fit"),
        (2, "99999999999999999999999", r"line 6, column 2"),
        (2, "true", r"line 6, column 2 \(pixel0\): 'true' is no number"),
        (2, "1_0", "'1_0' is no number"),
        (2, "5\0", "is no number"),
        (2, "ten\x1b[31m", "'ten�"),
        (1, "10", r"line 6, column 1 \(label\): 10 does not fit; wanted is a whole number from 0 to 9"),
        (1, "-1", r"line 6, column 1 \(label\)"),
        (1, "3.5", r"line 6, column 1 \(label\)"),
        (1, "", r"line 6, column 1 \(label\): there is no value"),
        (4, "1,2", "line 6: 786 values, and the header names 785 columns"),
        (4, '"1', "line 6: this is not a line of numbers"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column(
    place: Path, column: int, cell: str, says: str, chunk_rows: int
) -> None:
    lines = rows()
    lines[4] = change(lines[4], column, cell)
    write(place, [f"label,{KAGGLE}", *lines])
    with pytest.raises(DataError, match=says) as error:
        list(iter_csv(place, chunk_rows))
    assert str(error.value).startswith(str(place))
    assert str(error.value).isprintable()


@pytest.mark.parametrize("line", [0, 4, 11])
def test_a_row_that_is_too_short_or_too_long_is_named(place: Path, line: int) -> None:
    for wrong, count in ((rows()[line].rsplit(",", 1)[0], 784), (rows()[line] + ",7", 786), ("5", 1)):
        lines = rows()
        lines[line] = wrong
        write(place, [f"label,{KAGGLE}", *lines])
        with pytest.raises(DataError, match=f"line {line + 2}: {count} values"):
            read_csv(place)


def test_a_column_missing_from_every_row_is_named(place: Path) -> None:
    write(place, [f"label,{KAGGLE}", *(row.rsplit(",", 1)[0] for row in rows())])
    with pytest.raises(DataError, match="line 2: 784 values, and the header names 785"):
        read_csv(place)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("label," + KAGGLE.replace(",pixel9,", ",colour,pixel9,"), "column 11: a stray column 'colour' where 'pixel9'"),
        ("label," + KAGGLE.replace(",pixel9,", ","), "column 11: found 'pixel10' where 'pixel9' belongs"),
        ("label," + IN_CSV.replace(",28x28", ""), "ends after 784 columns; '28x28' is missing"),
        (f"label,{KAGGLE},fold", "column 786: a stray column 'fold' after 'pixel783'"),
        (f"label,{KAGGLE},", "column 786: a stray column ''"),
        (f",label,{KAGGLE}", "column 1: a stray column ''"),
        (f"Unnamed: 0,label,{KAGGLE}", "column 1: a stray column 'Unnamed: 0'"),
        (f"digit,{KAGGLE}", "column 1: a stray column 'digit'"),
        ("label", "ends after 1 columns; 'pixel0' to 'pixel783' are missing"),
        ("a;b;c", "column 1: found 'a;b;c'; wanted is label,pixel0"),
        (",".join(["5"] + ["0"] * 784), "there is no header; put label,pixel0"),
        ("\x80\x81", "column 1"),
        ("", "column 1|ends after 0"),
    ],
)
def test_a_header_that_is_not_known_says_where(place: Path, header: str, says: str) -> None:
    write(place, [header, *rows()])
    with pytest.raises(DataError, match=says) as error:
        read_csv(place)
    assert f"{place}, line 1" in str(error.value)


def test_empty_files_headers_alone_and_binary_files(place: Path) -> None:
    for content, says in (
        (b"", "the file is empty"),
        (f"label,{KAGGLE}\n".encode(), "no rows below the header"),
        (f"label,{KAGGLE}\n\n \n".encode(), "no rows below the header"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "line 1"),
        (f"label,{KAGGLE}\n".encode() + b"1" * 200_000, "line 2: longer than"),
    ):
        place.write_bytes(content)
        with pytest.raises(DataError, match=says):
            read_csv(place)


def test_a_table_is_a_data_source_and_one_without_labels_is_not(tmp_path: Path) -> None:
    digits = load_data(write(tmp_path / "mine.csv", [f"label,{KAGGLE}", *rows()]))
    assert digits.source == "csv:mine.csv"
    assert sum(len(part or ()) for part in (digits.train, digits.validation, digits.test)) == len(DIGITS)
    with pytest.raises(DataError, match="there is no column label"):
        load_data(write(tmp_path / "test.csv", [KAGGLE, *rows(labelled=False)]))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(data=st.data())
def test_random_damage_is_an_error_or_leaves_what_python_itself_reads(place: Path, data: st.DataObject) -> None:
    content = bytearray("\n".join([f"label,{KAGGLE}", *rows()[:3]]).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        spot = data.draw(st.integers(0, len(content) - 1))
        content[spot] = data.draw(st.one_of(st.sampled_from(b'0159,.\n\r" -e\0'), st.integers(0, 255)))
    place.write_bytes(content)
    try:
        images, labels = read_csv(place)
    except DataError as error:
        message = str(error)
    else:
        assert_as_python_reads(content, images, labels)
        return
    assert str(place) in message
    assert message.isprintable()


def assert_as_python_reads(content: bytearray, images: np.ndarray, labels: np.ndarray | None) -> None:
    lines = [line for line in content.decode().split("\n")[1:] if line.strip()]
    cells = np.array([[float(cell.strip().strip('"')) for cell in line.split(",")] for line in lines])
    np.testing.assert_array_equal(images.reshape(len(images), -1), cells[:, 1:] if labels is not None else cells)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 5), seed=st.integers(0, 99), chunk_rows=st.integers(1, 6))
def test_what_pandas_writes_is_read_back(place: Path, count: int, seed: int, chunk_rows: int) -> None:
    import pandas as pd

    split = some_digits(count, seed)
    table = np.column_stack([split.labels, split.images.reshape(count, -1)])
    pd.DataFrame(table, columns=["label", *LAYOUTS[1]]).to_csv(place, index=False)
    pieces = list(iter_csv(place, chunk_rows))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in pieces]), split.images)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in pieces]), split.labels)  # type: ignore[misc]
