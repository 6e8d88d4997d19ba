"""What a person has, and what tables there are, is said once, in `canonical/people.py` and `canonical/tables.py`: one edit there and one in a vendor reach the warehouse."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installation import PROJECT, Installation, ometria_profile

pytestmark = pytest.mark.long

ATTRIBUTE = '    Column("profession", "text", "What the person does for a living.", personal=True, survives=True),\n'
TABLE = """    Table(
        "appointments",
        "one row per appointment",
        "When people are expected.",
        (Column("appointment_id", "id", "The vendor's id."), OWNER, PROFILE),
        key="appointment_id",
        change_keys=("owner",),
    ),
"""


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Puts text before the first place where another stands."""
    text = path.read_text(encoding="utf-8")
    for before, added in changes:
        assert before in text
        text = text.replace(before, added + before, 1)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with an attribute and a table more, and a vendor that reports them."""
    project = tmp_path_factory.mktemp("edited") / "project"
    for part in ("orchestration", "dbt_project", "docs", "tests/vendors"):
        shutil.copytree(PROJECT / part, project / part, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    edit(
        project / "orchestration" / "canonical" / "people.py",
        ('    Column("language", "text", ', ATTRIBUTE),
    )
    edit(
        project / "orchestration" / "canonical" / "tables.py",
        ('    Table(\n        "redemptions",\n', TABLE),
    )
    edit(
        project / "orchestration" / "vendors" / "ometria" / "profiles.py",
        ('    "firstname": TEXT,\n', '    "profession": TEXT,\n    "appointment": TEXT,\n'),
        ('    first_name=at("firstname"),\n', '    profession=at("profession"),\n'),
    )
    edit(
        project / "orchestration" / "vendors" / "ometria" / "__init__.py",
        ("from orchestration.mapping.record_kinds import", "from orchestration.mapping.expressions import at, given\n"),
        ("from orchestration.mapping.record_kinds import", "from orchestration.mapping.selects import rows\n"),
        (
            "            *profile_consents,\n",
            '            rows("appointments", where=given(at("appointment")), appointment_id=at("appointment")),\n',
        ),
    )
    environment = {**os.environ, "PYTHONPATH": str(project)}
    subprocess.run([sys.executable, "-m", "orchestration.docgen.generate"], cwd=project, env=environment, check=True)
    return project


@pytest.fixture(scope="module")
def edited(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """After two exports of which the second says something else."""
    installation = Installation(tmp_path_factory.mktemp("edited-data"))
    for export_date, profession in (("2026-03-01", "baker"), ("2026-03-02", "miller")):
        profile = ometria_profile(
            "p1", firstname="Ada", email="ada@example.com", profession=profession, appointment="a1"
        )
        installation.land("ometria/profiles", export_date, "profiles.ndjson", profile)
    installation.configure(
        "attribute_source_priority.csv", "attribute,source,priority\nall,ometria,2\nprofession,ometria,1\n"
    )
    outcome = installation.c360("run", project=project)
    assert outcome.exit_code == 0, outcome.said
    return installation


def test_an_attribute_of_a_person_reaches_the_customer_tables_by_one_edit(edited: Installation) -> None:
    assert edited.row("select first_name, profession from marts.dim_customers") == ("Ada", "miller")
    assert edited.column("select profession from marts.dim_customers_history order by valid_from") == [
        "baker",
        "miller",
    ]
    assert edited.row("select value, source from marts.customer_attribute_sources where attribute = 'profession'") == (
        "miller",
        "ometria",
    )


def test_an_attribute_that_was_added_moves_no_column(edited: Installation) -> None:
    columns = edited.column(
        "select column_name from duckdb_columns() where schema_name = 'marts' and table_name = 'dim_customers' order by column_index"
    )
    assert columns[:13] == [
        *(
            "customer_id",
            "first_name",
            "last_name",
            "full_name",
            "email",
            "phone",
            "gender",
            "city",
            "state",
            "country",
            "postal_code",
            "language",
        ),
        "sources",
    ]
    assert columns[-4:] == ["birth_date", "profession", "first_seen_at", "last_seen_at"]


def test_a_canonical_table_is_there_by_one_edit(edited: Installation, project: Path) -> None:
    assert edited.rows(
        "select appointment_id, owner_record_id, export_date::varchar from staging.appointments order by export_date"
    ) == [
        ("a1", "p1", "2026-03-01"),
        ("a1", "p1", "2026-03-02"),
    ]
    assert "## appointments\n" in (project / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert '"appointments"' in (project / "dbt_project" / "macros" / "person.sql").read_text(encoding="utf-8")
