variable "capacity_provider_strategy" {
  description = "The capacity providers that run the tasks, in place of the launch type: base tasks first, then by weight; none for the launch type itself. Between having some and having none, AWS replaces the service."
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
    error_message = "capacity_provider_strategy may have FARGATE and FARGATE_SPOT with launch_type FARGATE, and the capacity providers of container instances with EC2; ECS does not mix them."
  }

  validation {
    condition     = length(distinct(var.capacity_provider_strategy[*].capacity_provider)) == length(var.capacity_provider_strategy)
    error_message = "capacity_provider_strategy must name each capacity provider once."
  }

  validation {
    condition = length(var.capacity_provider_strategy) == 0 || anytrue([for p in var.capacity_provider_strategy : p.weight > 0]) && alltrue([
      for p in var.capacity_provider_strategy :
      p.weight >= 0 && p.weight <= 1000 && floor(p.weight) == p.weight && p.base >= 0 && p.base <= 100000 && floor(p.base) == p.base
    ])
    error_message = "capacity_provider_strategy: weight must be 0 to 1000 and not 0 for all, base 0 to 100000."
  }

  validation {
    condition     = length([for p in var.capacity_provider_strategy : p if p.base > 0]) <= 1
    error_message = "capacity_provider_strategy: one capacity provider may have a base."
  }
}
