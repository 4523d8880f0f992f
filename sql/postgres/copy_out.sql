COPY ({query}) TO STDOUT (FORMAT {format})
