"""The load balancer of a service: one loopback port in front of its tasks."""
