"""Rows, columns and sums of amounts of every folder of Parquet, by Spark SQL: the last line is JSON."""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(folders: list[str]) -> None:
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    reported = {}
    for folder in folders:
        spark.read.parquet(folder).createOrReplaceTempView("mart")
        kinds = dict(spark.table("mart").dtypes)
        amounts = [name for name, kind in kinds.items() if kind.startswith("decimal")]
        sums = ", ".join(f"coalesce(sum(`{name}`), 0) as `{name}`" for name in amounts)
        [row] = spark.sql(f"select count(*) as row_count{', ' + sums if sums else ''} from mart").collect()
        reported[Path(folder).name] = row["row_count"], list(kinds), {name: str(row[name]) for name in amounts}
    spark.stop()
    print(json.dumps(reported))


if __name__ == "__main__":
    main(sys.argv[1:])
