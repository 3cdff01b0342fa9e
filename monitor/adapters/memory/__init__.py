"""The shipped fakes of every port. They pass the same contract tests as the real ones."""
