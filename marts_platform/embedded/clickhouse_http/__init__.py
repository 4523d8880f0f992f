"""An embedded ClickHouse: a process that owns the engine and answers ClickHouse's HTTP interface on loopback.

chdb is the ClickHouse engine in process, and one process at a time may have a data directory. This package is
that process; every other one uses the ordinary HTTP client, exactly as against a real server::

    python -m marts_platform.embedded.clickhouse_http --data DIR --port P --password-file F

How a request runs: the event loop (`app`) reads and writes sockets and nothing else; a thread (`statements`)
reads the body and calls the engine, which blocks. A result leaves the engine through a pipe (``INTO OUTFILE
'/dev/fd/N'``): the engine itself formats it, and waits while the client is slow. Rows enter through a pipe as
well (``FROM INFILE``). Neither is ever held whole.

What differs from a real server:

* one user, ``default``; no roles and grants, no ``system.query_log``, no native port;
* the query id of an answer is the client's or a random one: the engine gives its own and does not tell it, so
  ``system.processes`` and ``KILL QUERY`` know a statement by its text or its log_comment only;
* a query whose client left is stopped, whatever the settings; statements that write run to their end;
* no progress headers (``send_progress_in_http_headers``): the connection is quiet until the result begins;
* the summary of an insert counts the rows written, not the rows read;
* the database ``default`` is an Overlay, as chdb makes it: its tables are kept and swapped as anywhere, but
  none can be moved between it and another database. ``CREATE DATABASE`` makes an Atomic one.
"""
