INSERT INTO {stage} ({columns})
{query}
