-- Tables that were added since are copied now; they would never be otherwise.
ALTER SUBSCRIPTION {name} REFRESH PUBLICATION
