variable "values" {
  description = "Plain values by name, in groups; the key of a group is the text that stands before a name when it is reported, such as \"services.web.environment.\"."
  type        = map(map(string))
}
