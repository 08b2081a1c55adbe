"""The client behind C{achat chat}: a conversation that outlives its connections."""
