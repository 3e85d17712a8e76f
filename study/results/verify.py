"""Verification: every file, count and reference of a study."""

from functools import partial

from study.results import described, references, wholeness
from study.results.findings import Digest, Findings
from study.results.folder import Folder


def verify(folder: Folder, digest: Digest) -> Findings:
    """Reads all of a study and changes nothing; others may go on with it meanwhile.

    digest: a trial's id from its content.
    """
    findings = Findings()
    for what, check in {
        "its study": partial(described.study, folder, findings),
        "its plan": partial(described.plan, folder, digest, findings),
        "its files of rows": partial(wholeness.row_files, folder, digest, findings),
        "its compacted rows": partial(wholeness.compacted, folder, digest, findings),
        "its attempts' markers": partial(described.markers, folder, findings),
        "what its rows refer to": partial(references.rows, folder, findings),
    }.items():
        findings.look(folder.folder, what, check)
    return findings
