SELECT {columns}
FROM {judged} AS judged
WHERE judged.reason IS NULL
