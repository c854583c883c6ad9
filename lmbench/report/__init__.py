"""Reports: tables, figures and sentences, as a pure function of stored facts. Start at report.write."""
