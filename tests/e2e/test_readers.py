"""Analysts open the published warehouse again and again, each time anew, while runs load, swap and go back."""

import json
import os
import subprocess
import sys

import pytest

from orchestration import pipeline
from orchestration.config.settings import Settings
from orchestration.publishing import publish
from tests.support.deliveries import EXPORT_DATES, land, order

pytestmark = [pytest.mark.long, pytest.mark.faults]

OPENS = int(os.environ.get("C360_READER_OPENS", "200"))
READERS = 2
READ = """
import json, sys
import duckdb

path, opens = sys.argv[1], int(sys.argv[2])
seen, failures, slips, torn = set(), [], [], 0
done = 0
while done < opens or not sys.stdin.closed and done < 50 * opens and not __import__("select").select([sys.stdin], [], [], 0)[0]:
    done += 1
    try:
        with duckdb.connect(path, read_only=True) as con:
            orders, logged, revenue, persons = con.execute('''
                select
                    (select count(*) from marts.fct_orders),
                    (select arg_max(orders, started_at) from meta.runs where published),
                    (select sum(total_revenue) from marts.customer_insights) - (select sum(total_amount) from marts.fct_orders),
                    (select count(*) from marts.dim_customers) - (select count(*) from marts.customer_insights)
            ''').fetchone()
    except duckdb.InternalException as error:
        slips.append(str(error)[:4000])
        continue
    except Exception as error:
        failures.append(f"{type(error).__name__}: {error}")
        continue
    seen.add(orders)
    torn += (logged, revenue, persons) != (orders, 0, 0)
print(json.dumps({"opens": done, "failures": failures, "slips": slips, "torn": torn, "seen": sorted(seen)}))
"""


def test_no_open_fails_and_every_snapshot_is_consistent_in_itself(published: Settings) -> None:
    commands = [
        [sys.executable, "-c", READ, str(published.published_file), str(OPENS // READERS)] for _ in range(READERS)
    ]
    readers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for command in commands
    ]
    try:
        for number in range(4, 7):
            land(published, EXPORT_DATES[1], f"{number}.ndjson", order(number, "cleo"))
            assert pipeline.run(published).published
            publish.rollback(published)
    finally:
        answers = [json.loads(reader.communicate("enough\n")[0]) for reader in readers]
    assert sum(answer["opens"] for answer in answers) >= OPENS
    assert [answer["failures"] for answer in answers] == [[], []]
    # DuckDB itself has failed with an internal error once in tens of thousands of opens. No swap brings that about: half
    # a million of them under fourteen thousand opens had none. What it says is shown, and a second one fails.
    slips = [slip for answer in answers for slip in answer["slips"]]
    print(*slips, sep="\n")
    assert len(slips) <= 1, slips
    assert [answer["torn"] for answer in answers] == [0, 0]
    assert {orders for answer in answers for orders in answer["seen"]} > {3}
