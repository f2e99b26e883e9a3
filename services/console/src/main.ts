import { runService } from '@causeway/runtime/service/service';
import { consoleSettings, startConsole } from './console.ts';

runService('console', consoleSettings, startConsole);
