"""What people do: commands, clicks, answers in other pagers, silences, and who may."""
