locals {
  set_by_ecs = ["ECS_AGENT_URI", "ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4"]
  variables  = { for name, value in var.variables : trimprefix(name, "ECS_") => value }
}

module "plaintext" {
  source = "../modules/plaintext"

  # Grouped by the path under which a name stands in the variable file.
  values = merge(
    { "environment." = var.environment, "variables.ECS_" = local.variables },
    { for key, service in var.services : "services.${key}.environment." => service.environment },
    merge([
      for key, service in var.services : {
        for name, sidecar in service.sidecars : "services.${key}.sidecars.${name}.environment." => sidecar.environment
      }
    ]...),
    { for key, schedule in var.schedules : "schedules.${key}.environment." => schedule.environment },
    { for migration in var.migration[*] : "migration.environment." => migration.environment },
  )
}
