output "suspects" {
  description = "What looks like a secret: full path => name. Never the value."
  value       = local.suspects
}
