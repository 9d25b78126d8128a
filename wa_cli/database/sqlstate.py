"""The meaning of PostgreSQL's error codes: the same statement may pass later, or never.

Source: PostgreSQL, Appendix A, Error Codes. Every code that is not listed is a refusal.
"""

from __future__ import annotations

from enum import StrEnum

import psycopg2


class Meaning(StrEnum):
    """The meaning of an error for the next try.

    `OUTAGE`: the server cannot work now. `CUT`: it cancelled this statement. `REFUSAL`: a retry does not help.
    """

    OUTAGE = "outage"
    CUT = "cut"
    REFUSAL = "refusal"


READ_ONLY = "25006"  # a standby, while another server becomes the primary

_CUT = frozenset({"57014", "55P03", READ_ONLY})  # query_canceled, lock_not_available, read_only_sql_transaction
# Connection, transaction rollback, insufficient resources, operator intervention, system error.
_OUTAGE_CLASSES = frozenset({"08", "40", "53", "57", "58"})
_OUTAGES = frozenset({"25P03", "55006"})  # idle_in_transaction_session_timeout, object_in_use
_NOT_OUTAGES = frozenset({"40002", "53400"})  # a deferred constraint, and a configured limit of this statement
# The server function that reports a RAISE of a trigger, under any code.
_RAISE = "exec_stmt_raise"


def meaning(error: psycopg2.Error) -> Meaning:
    """Return the meaning of an error. An error without a code is the driver's own."""
    code = error.pgcode
    if code is None:  # no connection, or it was lost
        is_driver = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
        return Meaning.OUTAGE if is_driver else Meaning.REFUSAL
    if error.diag.source_function == _RAISE:
        return Meaning.REFUSAL
    if code in _CUT:
        return Meaning.CUT
    if code in _OUTAGES or (code[:2] in _OUTAGE_CLASSES and code not in _NOT_OUTAGES):
        return Meaning.OUTAGE
    return Meaning.REFUSAL
