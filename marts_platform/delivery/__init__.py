"""The delivery service's warehouse: a replica of its database, the ODS, the facts and the marts."""
