"""The local stack: real servers from PyPI, one file a server, and what starts and stops them.

Nothing of the platform imports this package but the command line and the tests.
"""
