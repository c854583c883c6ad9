"""Measures: functions of arrays of log-probabilities. What a measure is about is a mask."""
