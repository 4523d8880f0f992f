"""An embedded ClickHouse: one process that owns the engine (chdb) and answers ClickHouse's HTTP interface on loopback.

chdb is the ClickHouse engine in process, and one process at a time may have a data directory. This package is that
process; every other one uses the ordinary HTTP client, exactly as against a real server::

    python -m marts_platform.embedded.clickhouse_http --data DIR --port P --password-file F

How a request runs: the event loop (`app`) reads and writes sockets and nothing else; a thread (`statements`) reads the
body and calls the engine, which blocks. A result leaves the engine through a pipe (``INTO OUTFILE '/dev/fd/N'``), so
the engine itself formats it, and waits while the client is slow. A body of rows enters by chdb's streaming insert.
Neither is ever held whole.

What differs from a real server: one user (``default``); no roles, grants, ``system.query_log`` or native port; the
query id of the answer is the client's or a random one, not the one in ``system.processes``; no progress headers.
"""
