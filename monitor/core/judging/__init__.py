"""From readings to a verdict, and from verdicts to what an alert becomes."""
