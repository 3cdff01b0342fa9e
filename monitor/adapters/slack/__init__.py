"""Slack: pages drawn as blocks, posted over the Web API, clicked over Socket Mode."""
