"""Draws charts of a run, one kind per file: functions from results to specifications of Vega-Lite."""
