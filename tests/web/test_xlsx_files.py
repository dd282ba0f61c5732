"""XLSX files: what others write is read, and no file breaks, fills or fools the reader."""

import contextlib
import io
import zipfile
from datetime import datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.web.xlsx_files import MOST_COLUMNS, MOST_ROWS, table_of, xlsx

ROWS = [["제목", "Price"], ["=1+1", 20_000], ["http://example.org", 0], [None, 10**12]]


def read(content):
    return [list(row) for row in table_of(content, "file")]


def refused(content):
    with pytest.raises(Invalid) as wrong:
        table_of(content, "file")
    return wrong.value.fields["file"].en


def by_openpyxl(rows, **options):
    book = openpyxl.Workbook(**options)
    sheet = book.active or book.create_sheet()
    for row in rows:
        sheet.append(row)
    return saved(book)


def saved(book):
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def packed(parts, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text, **options)
    return file.getvalue()


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def parts_of(data, **others):
    """The few parts that a book needs, its one sheet with these rows."""
    return {
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        '<Relationship Id="rId1" Target="/xl/worksheets/x.xml"/></Relationships>',
        "xl/worksheets/x.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData>'
        "</worksheet>",
        **others,
    }


def test_what_is_written_is_read_again_and_text_stays_text():
    content = xlsx({"하나": ROWS, "second": [["not read"]]})
    assert read(content) == ROWS
    sheet = openpyxl.load_workbook(io.BytesIO(content))["하나"]
    assert (sheet["A2"].data_type, sheet["A3"].hyperlink) == ("s", None)


def test_what_another_program_writes_is_read():
    rows = [["가", 1, 2.5, True], [None, None], ["나", -3, 20000.0, False]]
    assert read(by_openpyxl(rows)) == [rows[0], [], ["나", -3, 20_000, False]]
    assert read(by_openpyxl(rows, write_only=True))[0] == rows[0]


def test_of_a_formula_its_value_counts_and_a_day_is_a_number():
    (row,) = read(packed(parts_of('<row><c><f>1+1</f><v>2</v></c><c t="str"><f>x</f><v>y</v></c>'
                                  '<c t="e"><v>#REF!</v></c><c><f>2+2</f></c></row>')))  # fmt: skip
    assert row == [2, "y", "#REF!"]
    assert isinstance(read(by_openpyxl([[datetime(2026, 3, 2)]]))[0][0], int)


def test_text_within_the_cell_and_in_runs_is_read_without_its_pronunciation():
    runs = "<is><r><t>가</t></r><r><t>나</t></r><rPh sb='0' eb='1'><t>kana</t></rPh></is>"
    assert read(packed(parts_of(f'<row r="2"><c r="C2" t="inlineStr">{runs}</c></row>'))) == [
        [], [None, None, "가나"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        '<row r="x"><c><v>1</v></c></row>',
        '<row><c r="1A"><v>1</v></c></row>',
        '<row><c r="１"><v>1</v></c></row>',
        "<row><c><v>one</v></c></row>",
        '<row><c t="s"><v>0</v></c></row>',
        '<row><c t="s"><v>9</v></c></row>',
        '<row><c t="inlineStr"/></row>',
        "<row>",
    ],
)
def test_cells_that_make_no_sense_are_refused(data):
    assert "cannot be read as an XLSX" in refused(packed(parts_of(data)))


@pytest.mark.parametrize(
    "name", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/x.xml"]
)
@pytest.mark.parametrize(
    "text", [None, "", "<a/>", "\udcff".encode("utf-8", "surrogatepass"), "<a>&b;</a>"]
)
def test_a_part_that_is_missing_or_broken_is_told(name, text):
    parts = parts_of("")
    parts[name] = text
    if text is None:
        del parts[name]
    if (name, text) != ("xl/worksheets/x.xml", "<a/>"):  # an empty sheet
        assert "cannot be read as an XLSX" in refused(packed(parts))


def test_entities_that_explode_are_not_even_looked_at():
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    parts = parts_of("<row><c><v>1</v></c></row>")
    parts["xl/worksheets/x.xml"] = bomb + parts["xl/worksheets/x.xml"]
    assert "cannot be read as an XLSX" in refused(packed(parts))


def test_a_file_that_unpacks_to_far_more_is_refused_before_it_does():
    parts = parts_of(" " * 50_000_000)
    content = packed(parts)
    assert len(content) < 100_000
    assert "too large" in refused(content)


@pytest.mark.parametrize(
    "cell",
    [
        f'<row r="{MOST_ROWS + 1}"><c><v>1</v></c></row>',
        '<row r="1"><c r="XFD1"><v>1</v></c></row>',
    ],
)
def test_more_rows_or_columns_than_anybody_needs_are_refused(cell):
    assert "at most 1,000 rows and 40 columns" in refused(packed(parts_of(cell)))


def test_as_many_as_are_said_are_taken_and_empty_ones_beyond_them_do_no_harm():
    rows = [[1] * MOST_COLUMNS] * MOST_ROWS
    assert read(by_openpyxl(rows)) == rows
    beyond = '<row r="1"><c><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert read(packed(parts_of(beyond))) == [[1]]


def test_long_text_is_cut():
    assert len(read(by_openpyxl([["x" * 30_000]]))[0][0]) == 200


@pytest.mark.parametrize(
    "content",
    [
        b"", b"PK\x03\x04", b"a;b;c\n1;2;3", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        packed({"a": "b"}),
        packed(parts_of("<row/>"), compress_type=zipfile.ZIP_LZMA),
        packed(parts_of("<row/>"), compress_type=zipfile.ZIP_BZIP2),
    ],
)  # fmt: skip
def test_what_is_no_xlsx_is_told_to_be_none(content):
    assert "cannot be read as an XLSX" in refused(content)


WHOLE = xlsx({"a": ROWS})


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8), st.integers(0, 400))
def test_a_damaged_file_is_read_or_refused_but_never_breaks_anything(place, put, gone):
    with contextlib.suppress(Invalid):
        table_of(WHOLE[:place] + put + WHOLE[place + gone :], "file")
