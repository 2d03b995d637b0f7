"""Have the last word about a version that holds every gate and waits for it, see `gates.approval` in the settings.

python -m flows.approve --settings deployments/demo.yaml --family hiref
python -m flows.approve --settings deployments/demo.yaml --family hiref --refuse --reason "the plan for May is missing"
"""

import argparse

from prefect import flow

from flows.command_line import call
from hierforecast.settings import read_company
from tasks import environment, shelving

environment.prepare()


@flow(name="approve", result_serializer="json")
def approve(
    settings: str = "deployments/demo.yaml",
    family: str = "hiref",
    version: str | None = None,
    refuse: bool = False,
    reason: str = "",
    by: str | None = None,
    anyway: bool = False,
) -> str:
    """Promote a version that waits, or keep it out for good. Who, when and why are kept on it.

    Args:
        settings: a company's YAML file.
        family: "hiref" or "precision".
        version: its number; by default the one that waits.
        refuse: keep it out.
        reason: why.
        by: who says so; by default the user of this process.
        anyway: promote it also where it was compared with another champion than today's.
    """
    waiting = shelving.find_waiting(read_company(settings).company, family, version)
    if refuse:
        return shelving.refuse(waiting, by=by, reason=reason)
    return shelving.approve(waiting, by=by, reason=reason, anyway=anyway)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml", help="a company's YAML file")
    parser.add_argument("--family", default="hiref", choices=["hiref", "precision"])
    parser.add_argument("--version", help="its number; by default the one that waits")
    parser.add_argument("--refuse", action="store_true", help="keep it out")
    parser.add_argument("--reason", default="", help="why")
    parser.add_argument("--by", help="who says so; by default you")
    parser.add_argument("--anyway", action="store_true", help="also where the champion is another one by now")
    call(approve, **vars(parser.parse_args()))
