"""The load balancer of a service: a loopback port in front of its tasks."""
