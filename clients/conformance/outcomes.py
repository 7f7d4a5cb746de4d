"""A plugin of pytest that writes what became of each test, as a line of JSON, to a file."""

import json


def pytest_addoption(parser):
    parser.addoption("--outcomes", required=True, help="the file to write to")


def pytest_configure(config):
    config.pluginmanager.register(Outcomes(config.getoption("--outcomes")))


class Outcomes:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")

    def pytest_runtest_logreport(self, report):
        """Setup and teardown count where they fail or skip; the test itself always."""
        if report.when != "call" and report.outcome == "passed":
            return
        message = report.longreprtext if report.outcome == "failed" else ""
        said = [line[1:].strip() for line in message.splitlines() if line.startswith("E ")]
        self.write(report.nodeid, report.outcome, " ".join(said[:3]) or message[-300:])

    def pytest_collectreport(self, report):
        if report.outcome == "failed":
            self.write(report.nodeid, "failed", report.longreprtext[-300:])

    def write(self, test, outcome, message):
        line = {"test": test, "outcome": outcome, "message": message}
        print(json.dumps(line), file=self.file, flush=True)
