ALTER TABLE {stage} RENAME TO {name}
