COPY {stage} ({columns}) FROM STDIN (FORMAT {format})
