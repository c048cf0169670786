"""What all APIs share: router, request, response, problems, pagination and auth."""
