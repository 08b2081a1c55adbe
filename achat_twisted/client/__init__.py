"""The client behind C{achat chat}: a conversation that outlives the connections it takes."""
