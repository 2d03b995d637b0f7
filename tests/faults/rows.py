"""All rows, by name, and the sample that tells most."""

from tests.faults.files import FILES
from tests.faults.kills import KILLS
from tests.faults.row import Row
from tests.faults.servers import SERVERS

ROWS: dict[str, Row] = {row.name: row for row in [*KILLS, *SERVERS, *FILES]}
SAMPLE = ["kill-sampling", "kill-before-version", "kill-after-champion", "two-at-once", "full-store", "earlier-file"]
