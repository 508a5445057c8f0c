"""Microsoft's own Python client judges the simulated Dataverse: what it expects must hold."""

import os
import time
import uuid

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.upsert import UpsertItem


class StaticToken:
    """A credential that has its token already."""

    def get_token(self, *_scopes, **_options):
        return AccessToken(os.environ["DATAVERSE_TOKEN"], int(time.time()) + 600)


def refused(status, code, act):
    """`act` must fail with this status and this Dataverse error code."""
    try:
        act()
    except HttpError as error:
        found = (error.status_code, error.details.get("service_error_code"))
        assert found == (status, code), f"expected {(status, code)}, got {found}: {error}"
    else:
        raise AssertionError(f"expected {(status, code)}, got a success")


def judge(client):
    records, tables = client.records, client.tables

    table = tables.get("lead")
    assert table["entity_set_name"] == "leads", table
    assert table["primary_id_attribute"] == "leadid", table

    # Labels of choices become numbers through the table's metadata.
    created = records.create(
        "lead",
        {"subject": "Judged", "firstname": "O'Hara", "estimatedamount": 12.5, "leadsourcecode": "Partner"},
    )
    columns = ["subject", "firstname", "estimatedamount", "leadsourcecode"]
    lead = records.retrieve("lead", created, select=columns)
    assert lead["subject"] == "Judged" and lead["firstname"] == "O'Hara", lead
    assert lead["estimatedamount"] == 12.5 and lead["leadsourcecode"] == 4, lead

    records.update("lead", created, {"subject": "Judged twice", "firstname": None})
    lead = records.retrieve("lead", created, select=columns)
    assert lead["subject"] == "Judged twice" and lead["firstname"] is None, lead

    refused(404, "0x80040217", lambda: records.update("lead", str(uuid.uuid4()), {"subject": "x"}))
    refused(412, "0x80040237", lambda: records.create("lead", {"leadid": created, "subject": "x"}))
    refused(400, "0x80044331", lambda: records.create("lead", {"subject": "x" * 301}))

    # The key on `sic` was defined before this client came.
    item = UpsertItem(alternate_key={"sic": "a'b c"}, record={"subject": "By key"})
    for _ in range(2):
        records.upsert("lead", [item])
    found = records.list("lead", filter="sic eq 'a''b c'", select=["subject"])
    assert [row["subject"] for row in found] == ["By key"], found

    for number in range(5):
        records.create("lead", {"subject": f"Page {number}"})
    pages = list(
        records.list_pages("lead", filter="startswith(subject,'Page')", orderby=["subject desc"], page_size=2)
    )
    subjects = [[row["subject"] for row in page] for page in pages]
    assert subjects == [["Page 4", "Page 3"], ["Page 2", "Page 1"], ["Page 0"]], subjects

    records.delete("lead", created)
    assert records.retrieve("lead", created) is None


with DataverseClient(os.environ["DATAVERSE_URL"], StaticToken()) as client:
    judge(client)
