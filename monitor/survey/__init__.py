"""The survey: what only data can tell about a rule set, such as a selector that matches nothing.

A function of rules, data and time that changes nothing and judges no reading. Who asks, and whom it is told, is
decided outside.
"""

from monitor.survey.doubt import Doubt
from monitor.survey.facts import Means
from monitor.survey.look import Surveyed, survey
from monitor.survey.surveyor import Surveyor

__all__ = ["Doubt", "Means", "Surveyed", "Surveyor", "survey"]
