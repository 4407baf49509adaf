variable "values" {
  description = "Groups of plain values by name. The key of a group is the prefix with which its names are reported, such as \"services.web.environment.\"."
  type        = map(map(string))
}
