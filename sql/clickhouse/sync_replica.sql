SYSTEM SYNC REPLICA{on_cluster} {table}
