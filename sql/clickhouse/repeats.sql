SELECT count() <> uniqExact({key}) AS repeats
FROM {stage}
