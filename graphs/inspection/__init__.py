"""Looking inside a run of either mode: watching values, stepping, causes of NaN and of missing gradients, lint."""
