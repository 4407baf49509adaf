output "suspects" {
  description = "Names that look like secrets, keyed by their full path. Values are never output."
  value       = local.suspects
}
