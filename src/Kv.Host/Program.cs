using Kv.Host;

return args is [HealthProbe.Verb] ? await HealthProbe.RunAsync() : await HostCommand.RunAsync(args);
