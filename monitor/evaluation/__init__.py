"""From a grid time to what an alert becomes: queries, readings, judgements, and what time alone brings."""
