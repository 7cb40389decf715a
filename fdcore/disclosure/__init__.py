"""What is handed to the other side: a case as one bundle that its expert can check and replay, and as CASE/UCO."""
