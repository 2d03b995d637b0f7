"""Where it runs: settings per company, the supervisor that starts servers, set-up, and Prefect's automations."""
