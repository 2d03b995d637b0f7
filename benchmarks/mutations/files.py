"""Damaged, empty, missing and foreign files."""

import io

import numpy as np

from benchmarks.mutations.case import Case
from benchmarks.mutations.catalogue import mutation


def _parquet(case: Case, name: str) -> bytes:
    stream = io.BytesIO()
    case.tables[name].to_parquet(stream, index=False)
    return stream.getvalue()


def _either(rng: np.random.Generator) -> str:
    return str(rng.choice(["sales", "media"]))


@mutation("files")
def truncated_parquet(case: Case, rng: np.random.Generator) -> None:
    name = _either(rng)
    whole = _parquet(case, name)
    case.files[f"{name}.parquet"] = whole[: int(len(whole) * rng.uniform(0.05, 0.99))]


@mutation("files")
def flipped_bytes(case: Case, rng: np.random.Generator) -> None:
    name = _either(rng)
    content = bytearray(_parquet(case, name))
    content[-4:] = bytes(4)
    case.files[f"{name}.parquet"] = bytes(content)


@mutation("files")
def empty_file(case: Case, rng: np.random.Generator) -> None:
    case.files[f"{_either(rng)}.parquet"] = b""


@mutation("files")
def no_file(case: Case, rng: np.random.Generator) -> None:
    case.files[f"{_either(rng)}.parquet"] = None


@mutation("files")
def an_error_page_in_place_of_data(case: Case, rng: np.random.Generator) -> None:
    case.files[f"{_either(rng)}.parquet"] = b"<html><body>502 Bad Gateway</body></html>"


@mutation("files")
def a_spreadsheet(case: Case, rng: np.random.Generator) -> None:
    name = _either(rng)
    case.settings[name]["path"] = f"{name}.xlsx"
    case.files[f"{name}.xlsx"] = b"PK\x03\x04" + rng.bytes(200)


@mutation("files")
def csv_with_semicolons_and_decimal_commas(case: Case, rng: np.random.Generator) -> None:
    name = _either(rng)
    case.settings[name]["path"] = f"{name}.csv"
    case.files[f"{name}.csv"] = case.tables[name].to_csv(index=False, sep=";", decimal=",").encode()


@mutation("files")
def csv_cut_in_the_middle_of_a_row(case: Case, rng: np.random.Generator) -> None:
    name = _either(rng)
    case.settings[name]["path"] = f"{name}.csv"
    whole = case.tables[name].to_csv(index=False).encode()
    cut = int(len(whole) * rng.uniform(0.2, 0.8))
    case.files[f"{name}.csv"] = whole[: whole.rindex(b",", 0, cut)]  # within the last number nobody could tell


@mutation("files")
def csv_of_headers_alone(case: Case, rng: np.random.Generator) -> None:
    name = _either(rng)
    case.settings[name]["path"] = f"{name}.csv"
    case.files[f"{name}.csv"] = case.tables[name].head(0).to_csv(index=False).encode()


@mutation("files")
def csv_in_another_encoding(case: Case, rng: np.random.Generator) -> None:
    name = _either(rng)
    case.settings[name]["path"] = f"{name}.csv"
    case.files[f"{name}.csv"] = case.tables[name].head(500).to_csv(index=False).encode("utf-16")
