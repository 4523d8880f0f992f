"""One day of a Camunda history, from the engine to the mart, beside other ways to move it."""
