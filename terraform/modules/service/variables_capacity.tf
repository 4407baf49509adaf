variable "capacity_provider_strategy" {
  description = "Capacity providers that run the tasks, instead of the launch type; empty for the launch type. base is the number of tasks to place first, weight the share of the others. Adding the first or removing the last capacity provider replaces the service."
  type = list(object({
    capacity_provider = string
    weight            = optional(number, 1)
    base              = optional(number, 0)
  }))
  default = []

  validation {
    condition = alltrue([
      for provider in var.capacity_provider_strategy :
      contains(["FARGATE", "FARGATE_SPOT"], provider.capacity_provider) == (module.definition.launch_type == "FARGATE")
    ])
    error_message = "capacity_provider_strategy must contain only FARGATE and FARGATE_SPOT if launch_type is FARGATE, and only capacity providers of container instances if it is EC2."
  }

  validation {
    condition     = length(distinct(var.capacity_provider_strategy[*].capacity_provider)) == length(var.capacity_provider_strategy)
    error_message = "capacity_provider_strategy must contain each capacity provider at most once."
  }

  validation {
    condition = length(var.capacity_provider_strategy) == 0 || anytrue([for p in var.capacity_provider_strategy : p.weight > 0]) && alltrue([
      for p in var.capacity_provider_strategy :
      p.weight >= 0 && p.weight <= 1000 && floor(p.weight) == p.weight && p.base >= 0 && p.base <= 100000 && floor(p.base) == p.base
    ])
    error_message = "capacity_provider_strategy: weight must be a whole number, 0 to 1000, with at least one above 0; base must be a whole number, 0 to 100000."
  }

  validation {
    condition     = length([for p in var.capacity_provider_strategy : p if p.base > 0]) <= 1
    error_message = "capacity_provider_strategy: at most one capacity provider may have a base above 0."
  }
}
