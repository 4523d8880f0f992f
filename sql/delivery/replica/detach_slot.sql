-- Otherwise dropping the subscription would connect to the source to drop the slot, and wait for it without an end.
ALTER SUBSCRIPTION {name} SET (slot_name = 'none')
