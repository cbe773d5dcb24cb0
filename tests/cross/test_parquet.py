"""Records as Parquet, which needs a package of its own that this room's environment has."""

import experiments
from experiments.frame import written


def test_a_parquet_file_holds_what_the_rows_hold(tmp_path):
    import pyarrow.parquet as pq

    rows = experiments.load("a5", only={"length": 3})
    path = tmp_path / "a5.parquet"
    path.write_bytes(written(rows, "parquet"))
    table = pq.read_table(path)
    assert table.column_names == list(rows[0])
    for name in ("hash", "seed", "model", "metrics.token_accuracy"):
        assert table.column(name).to_pylist() == [row[name] for row in rows]
